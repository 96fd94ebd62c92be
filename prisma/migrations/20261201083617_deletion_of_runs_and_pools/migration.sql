-- AlterTable
ALTER TABLE "DistillationRun" ADD COLUMN     "deleteAfter" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "TeacherPool" ADD COLUMN     "deleteAfter" TIMESTAMPTZ(3);
