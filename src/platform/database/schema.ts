/** Whether `url` asks for another schema than public, as Prisma's own URLs do: migrations would make its tables there, and no statement finds them. */
export const isOfOtherSchema = (url: string): boolean =>
  URL.canParse(url) && !['public', null].includes(new URL(url).searchParams.get('schema'));

export const OTHER_SCHEMA =
  'names a schema, and Teddyhub keeps its tables in public: remove ?schema=..., and give it a database of its own';
