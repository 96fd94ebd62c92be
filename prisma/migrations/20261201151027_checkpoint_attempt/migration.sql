-- AlterTable
ALTER TABLE "Task" ADD COLUMN     "checkpointAttempt" INTEGER NOT NULL DEFAULT 0;

-- The attempts that began before the checkpoint are not counted against its task, as until now.
UPDATE "Task" task SET "checkpointAttempt" = COALESCE((
  SELECT max(attempt.number) FROM "TaskAttempt" attempt
  WHERE attempt."taskId" = task.id AND attempt."fromStep" < task."checkpointStep"
), 0) WHERE task."checkpointKey" IS NOT NULL;

-- AlterTable
ALTER TABLE "TaskAttempt" DROP COLUMN "fromStep";
