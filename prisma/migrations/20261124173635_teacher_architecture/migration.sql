-- AlterTable
ALTER TABLE "Teacher" ADD COLUMN     "architecture" JSONB;

-- Until now all teachers of a pool had the architecture of its configuration.
UPDATE "Teacher" SET "architecture" = "TeacherPool"."config"->'architecture'
FROM "TeacherPool" WHERE "TeacherPool"."id" = "Teacher"."poolId";

-- AlterTable
ALTER TABLE "Teacher" ALTER COLUMN     "architecture" SET NOT NULL;
