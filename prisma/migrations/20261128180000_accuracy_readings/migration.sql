-- AlterTable
ALTER TABLE "EvaluationResult" ADD COLUMN     "readings" JSONB NOT NULL DEFAULT '[]';
