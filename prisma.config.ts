/** For Prisma's own CLI: `prisma generate`, and `prisma migrate` where its native engine can be had. */
import { defineConfig } from 'prisma/config';

export default defineConfig({
  schema: 'prisma/schema.prisma',
  migrations: { path: 'prisma/migrations' },
  // `prisma generate` needs no database, so an unset DATABASE_URL is none of its business.
  datasource: { url: process.env.DATABASE_URL ?? 'postgresql://unset' },
});
