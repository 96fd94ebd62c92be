-- AlterTable
ALTER TABLE "EvaluationResult" ADD COLUMN "top5Best" DOUBLE PRECISION;

-- Of what was measured before, the last reading alone was kept: the best is not below it.
UPDATE "EvaluationResult" SET "top5Best" = "top5Last";

-- AlterTable
ALTER TABLE "EvaluationResult" ALTER COLUMN "top5Best" SET NOT NULL;
