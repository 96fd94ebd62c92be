-- CreateEnum
CREATE TYPE "RunOriginKind" AS ENUM ('CLONE', 'RETRY');

-- DropIndex
DROP INDEX "Task_state_createdAt_id_idx";

-- AlterTable
ALTER TABLE "Dataset" ADD COLUMN     "version" INTEGER NOT NULL DEFAULT 1;

-- AlterTable
ALTER TABLE "DistillationRun" ADD COLUMN     "archivedAt" TIMESTAMPTZ(3),
ADD COLUMN     "labels" TEXT[] DEFAULT ARRAY[]::TEXT[],
ADD COLUMN     "notes" TEXT,
ADD COLUMN     "originKind" "RunOriginKind",
ADD COLUMN     "originRunId" UUID,
ADD COLUMN     "version" INTEGER NOT NULL DEFAULT 1;

-- AlterTable
ALTER TABLE "TeacherPool" ADD COLUMN     "version" INTEGER NOT NULL DEFAULT 1;

-- CreateIndex
CREATE INDEX "AuditEvent_projectId_actor_createdAt_id_idx" ON "AuditEvent"("projectId", "actor", "createdAt", "id");

-- CreateIndex
CREATE INDEX "AuditEvent_projectId_action_createdAt_id_idx" ON "AuditEvent"("projectId", "action", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Dataset_projectId_name_id_idx" ON "Dataset"("projectId", "name", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_projectId_name_id_idx" ON "DistillationRun"("projectId", "name", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_projectId_startedAt_id_idx" ON "DistillationRun"("projectId", "startedAt", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_projectId_finishedAt_id_idx" ON "DistillationRun"("projectId", "finishedAt", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_datasetId_name_id_idx" ON "DistillationRun"("datasetId", "name", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_datasetId_startedAt_id_idx" ON "DistillationRun"("datasetId", "startedAt", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_datasetId_finishedAt_id_idx" ON "DistillationRun"("datasetId", "finishedAt", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_poolId_name_id_idx" ON "DistillationRun"("poolId", "name", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_poolId_startedAt_id_idx" ON "DistillationRun"("poolId", "startedAt", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_poolId_finishedAt_id_idx" ON "DistillationRun"("poolId", "finishedAt", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_originRunId_createdAt_id_idx" ON "DistillationRun"("originRunId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_labels_idx" ON "DistillationRun" USING GIN ("labels");

-- CreateIndex
CREATE INDEX "DistilledSet_projectId_name_id_idx" ON "DistilledSet"("projectId", "name", "id");

-- CreateIndex
CREATE INDEX "Task_runId_createdAt_id_idx" ON "Task"("runId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Task_projectId_state_createdAt_id_idx" ON "Task"("projectId", "state", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Teacher_poolId_accuracy_id_idx" ON "Teacher"("poolId", "accuracy", "id");

-- CreateIndex
CREATE INDEX "TeacherPool_projectId_name_id_idx" ON "TeacherPool"("projectId", "name", "id");

-- CreateIndex
CREATE INDEX "TeacherPool_datasetId_name_id_idx" ON "TeacherPool"("datasetId", "name", "id");

-- AddForeignKey
ALTER TABLE "DistillationRun" ADD CONSTRAINT "DistillationRun_originRunId_fkey" FOREIGN KEY ("originRunId") REFERENCES "DistillationRun"("id") ON DELETE SET NULL ON UPDATE CASCADE;
