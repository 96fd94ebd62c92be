/** Who asks: what an API key stands for. */
export const ROLES = ['ADMIN', 'OPERATOR', 'VIEWER', 'WORKER'] as const;

export type Role = (typeof ROLES)[number];

export interface Viewer {
  projectId: string;
  /** The public part of the key, as it appears in logs and audit events. */
  keyPrefix: string;
  role: Role;
}
