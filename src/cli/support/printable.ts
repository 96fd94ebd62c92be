/** Names come from archives of anybody: what a terminal would take for a command is shown as what it is. */
export const printable = (text: string): string =>
  text.replace(/\p{Cc}/gu, (control) => `\\x${control.charCodeAt(0).toString(16).padStart(2, '0')}`);
