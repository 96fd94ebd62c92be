-- AlterTable
ALTER TABLE "TaskAttempt" ADD COLUMN     "failureCode" TEXT,
ADD COLUMN     "fromStep" INTEGER NOT NULL DEFAULT 0;
