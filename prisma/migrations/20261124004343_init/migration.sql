-- CreateEnum
CREATE TYPE "Role" AS ENUM ('ADMIN', 'OPERATOR', 'VIEWER', 'WORKER');

-- CreateEnum
CREATE TYPE "FailureKind" AS ENUM ('USER', 'SYSTEM');

-- CreateEnum
CREATE TYPE "DatasetState" AS ENUM ('IMPORTING', 'READY', 'FAILED');

-- CreateEnum
CREATE TYPE "Split" AS ENUM ('TRAIN', 'TEST');

-- CreateEnum
CREATE TYPE "PoolState" AS ENUM ('QUEUED', 'TRAINING', 'READY', 'FAILED', 'CANCELED');

-- CreateEnum
CREATE TYPE "TeacherKind" AS ENUM ('EARLY_EPOCH', 'RANDOM_INIT', 'PRUNED', 'IMPORTED');

-- CreateEnum
CREATE TYPE "Method" AS ENUM ('TEDDY');

-- CreateEnum
CREATE TYPE "RunState" AS ENUM ('QUEUED', 'PREPARING', 'SYNTHESIZING', 'LABELING', 'PUBLISHING', 'SUCCEEDED', 'CANCELING', 'CANCELED', 'FAILED');

-- CreateEnum
CREATE TYPE "TaskKind" AS ENUM ('DATASET_IMPORT', 'POOL_TRAINING', 'STATISTICS', 'SYNTHESIS', 'LABELING', 'PUBLISHING', 'EVALUATION');

-- CreateEnum
CREATE TYPE "TaskState" AS ENUM ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED');

-- CreateEnum
CREATE TYPE "AttemptOutcome" AS ENUM ('SUCCEEDED', 'FAILED', 'CANCELED', 'DRAINED', 'LOST');

-- CreateEnum
CREATE TYPE "WorkerState" AS ENUM ('IDLE', 'BUSY', 'DRAINING', 'STOPPED');

-- CreateEnum
CREATE TYPE "DistilledSetState" AS ENUM ('STAGING', 'PUBLISHED', 'ARCHIVED');

-- CreateEnum
CREATE TYPE "LabelMode" AS ENUM ('STATIC', 'FKD');

-- CreateEnum
CREATE TYPE "EvaluationState" AS ENUM ('QUEUED', 'RUNNING', 'SUCCEEDED', 'FAILED', 'CANCELED');

-- CreateEnum
CREATE TYPE "EvaluationSubject" AS ENUM ('DISTILLED_SET', 'RANDOM_REAL');

-- CreateEnum
CREATE TYPE "LabelKind" AS ENUM ('SOFT', 'HARD');

-- CreateTable
CREATE TABLE "Project" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Project_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "ApiKey" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "secretHash" TEXT NOT NULL,
    "role" "Role" NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(3),
    "revokedAt" TIMESTAMPTZ(3),
    "lastUsedAt" TIMESTAMPTZ(3),

    CONSTRAINT "ApiKey_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "IdempotencyKey" (
    "projectId" UUID NOT NULL,
    "key" TEXT NOT NULL,
    "operation" TEXT NOT NULL,
    "requestHash" TEXT NOT NULL,
    "objectId" UUID NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "IdempotencyKey_pkey" PRIMARY KEY ("projectId","key")
);

-- CreateTable
CREATE TABLE "AuditEvent" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "actor" TEXT NOT NULL,
    "action" TEXT NOT NULL,
    "subjectType" TEXT NOT NULL,
    "subjectId" UUID NOT NULL,
    "data" JSONB NOT NULL,
    "requestId" TEXT,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "AuditEvent_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Dataset" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "state" "DatasetState" NOT NULL DEFAULT 'IMPORTING',
    "source" JSONB NOT NULL,
    "licence" TEXT,
    "classNames" TEXT[],
    "imageHeight" INTEGER,
    "imageWidth" INTEGER,
    "imageChannels" INTEGER,
    "trainCount" INTEGER,
    "testCount" INTEGER,
    "trainPerClass" INTEGER[],
    "channelMean" DOUBLE PRECISION[],
    "channelStd" DOUBLE PRECISION[],
    "contentDigest" TEXT,
    "skippedRecords" JSONB NOT NULL DEFAULT '[]',
    "failureKind" "FailureKind",
    "failureCode" TEXT,
    "failureMessage" TEXT,
    "failureRetryable" BOOLEAN,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Dataset_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "DatasetShard" (
    "id" UUID NOT NULL,
    "datasetId" UUID NOT NULL,
    "split" "Split" NOT NULL,
    "index" INTEGER NOT NULL,
    "objectKey" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "samples" INTEGER NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "DatasetShard_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "TeacherPool" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "datasetId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "state" "PoolState" NOT NULL DEFAULT 'QUEUED',
    "config" JSONB NOT NULL,
    "seed" INTEGER NOT NULL,
    "failureKind" "FailureKind",
    "failureCode" TEXT,
    "failureMessage" TEXT,
    "failureRetryable" BOOLEAN,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "TeacherPool_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Teacher" (
    "id" UUID NOT NULL,
    "poolId" UUID NOT NULL,
    "index" INTEGER NOT NULL,
    "kind" "TeacherKind" NOT NULL,
    "epoch" DOUBLE PRECISION,
    "accuracy" DOUBLE PRECISION NOT NULL,
    "checkpointKey" TEXT NOT NULL,
    "checkpointDigest" TEXT NOT NULL,
    "checkpointBytes" BIGINT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Teacher_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "TeacherStatistics" (
    "checkpointDigest" TEXT NOT NULL,
    "datasetDigest" TEXT NOT NULL,
    "objectKey" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "TeacherStatistics_pkey" PRIMARY KEY ("checkpointDigest","datasetDigest")
);

-- CreateTable
CREATE TABLE "DistillationRun" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "datasetId" UUID NOT NULL,
    "poolId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "method" "Method" NOT NULL DEFAULT 'TEDDY',
    "state" "RunState" NOT NULL DEFAULT 'QUEUED',
    "config" JSONB NOT NULL,
    "seed" INTEGER NOT NULL,
    "eventSequence" INTEGER NOT NULL DEFAULT 0,
    "failureKind" "FailureKind",
    "failureCode" TEXT,
    "failureMessage" TEXT,
    "failureRetryable" BOOLEAN,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "startedAt" TIMESTAMPTZ(3),
    "finishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "DistillationRun_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "RunEvent" (
    "runId" UUID NOT NULL,
    "sequence" INTEGER NOT NULL,
    "type" TEXT NOT NULL,
    "payload" JSONB NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "RunEvent_pkey" PRIMARY KEY ("runId","sequence")
);

-- CreateTable
CREATE TABLE "MetricPoint" (
    "runId" UUID NOT NULL,
    "taskId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "step" INTEGER NOT NULL,
    "value" DOUBLE PRECISION NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "MetricPoint_pkey" PRIMARY KEY ("runId","name","taskId","step")
);

-- CreateTable
CREATE TABLE "Task" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "kind" "TaskKind" NOT NULL,
    "state" "TaskState" NOT NULL DEFAULT 'QUEUED',
    "index" INTEGER NOT NULL DEFAULT 0,
    "datasetId" UUID,
    "poolId" UUID,
    "runId" UUID,
    "evaluationId" UUID,
    "payload" JSONB NOT NULL,
    "result" JSONB,
    "attempts" INTEGER NOT NULL DEFAULT 0,
    "maxAttempts" INTEGER NOT NULL DEFAULT 4,
    "fence" INTEGER NOT NULL DEFAULT 0,
    "workerId" UUID,
    "step" INTEGER NOT NULL DEFAULT 0,
    "totalSteps" INTEGER NOT NULL DEFAULT 0,
    "progressAt" TIMESTAMPTZ(3),
    "checkpointKey" TEXT,
    "checkpointStep" INTEGER NOT NULL DEFAULT 0,
    "failureKind" "FailureKind",
    "failureCode" TEXT,
    "failureMessage" TEXT,
    "failureRetryable" BOOLEAN,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "startedAt" TIMESTAMPTZ(3),
    "finishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Task_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "TaskAttempt" (
    "id" UUID NOT NULL,
    "taskId" UUID NOT NULL,
    "number" INTEGER NOT NULL,
    "fence" INTEGER NOT NULL,
    "workerId" UUID,
    "startedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "endedAt" TIMESTAMPTZ(3),
    "outcome" "AttemptOutcome",
    "reason" TEXT,
    "refusedWrites" INTEGER NOT NULL DEFAULT 0,

    CONSTRAINT "TaskAttempt_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Worker" (
    "id" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "hostname" TEXT NOT NULL,
    "pid" INTEGER NOT NULL,
    "state" "WorkerState" NOT NULL DEFAULT 'IDLE',
    "device" TEXT NOT NULL,
    "deviceMemoryBytes" BIGINT,
    "tensorflowVersion" TEXT NOT NULL,
    "startedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "heartbeatAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Worker_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "DistilledSet" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "runId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "state" "DistilledSetState" NOT NULL DEFAULT 'STAGING',
    "imagesPerClass" INTEGER NOT NULL,
    "sampleCount" INTEGER NOT NULL,
    "digest" TEXT NOT NULL,
    "manifestKey" TEXT NOT NULL,
    "manifestDigest" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "publishedAt" TIMESTAMPTZ(3),
    "archivedAt" TIMESTAMPTZ(3),

    CONSTRAINT "DistilledSet_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "DistilledShard" (
    "id" UUID NOT NULL,
    "distilledSetId" UUID NOT NULL,
    "index" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "objectKey" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,
    "samples" INTEGER NOT NULL,

    CONSTRAINT "DistilledShard_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "LabelSet" (
    "id" UUID NOT NULL,
    "distilledSetId" UUID NOT NULL,
    "mode" "LabelMode" NOT NULL,
    "config" JSONB NOT NULL,

    CONSTRAINT "LabelSet_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "LabelFile" (
    "id" UUID NOT NULL,
    "labelSetId" UUID NOT NULL,
    "index" INTEGER NOT NULL,
    "name" TEXT NOT NULL,
    "objectKey" TEXT NOT NULL,
    "digest" TEXT NOT NULL,
    "bytes" BIGINT NOT NULL,

    CONSTRAINT "LabelFile_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "Evaluation" (
    "id" UUID NOT NULL,
    "projectId" UUID NOT NULL,
    "distilledSetId" UUID NOT NULL,
    "setDigest" TEXT NOT NULL,
    "state" "EvaluationState" NOT NULL DEFAULT 'QUEUED',
    "config" JSONB NOT NULL,
    "failureKind" "FailureKind",
    "failureCode" TEXT,
    "failureMessage" TEXT,
    "failureRetryable" BOOLEAN,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "updatedAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "finishedAt" TIMESTAMPTZ(3),

    CONSTRAINT "Evaluation_pkey" PRIMARY KEY ("id")
);

-- CreateTable
CREATE TABLE "EvaluationResult" (
    "evaluationId" UUID NOT NULL,
    "subject" "EvaluationSubject" NOT NULL,
    "labelKind" "LabelKind" NOT NULL,
    "seed" INTEGER NOT NULL,
    "top1Last" DOUBLE PRECISION NOT NULL,
    "top1Best" DOUBLE PRECISION NOT NULL,
    "top5Last" DOUBLE PRECISION NOT NULL,
    "studentSteps" INTEGER NOT NULL,
    "seconds" DOUBLE PRECISION NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "EvaluationResult_pkey" PRIMARY KEY ("evaluationId","subject","labelKind","seed")
);

-- CreateIndex
CREATE UNIQUE INDEX "Project_name_key" ON "Project"("name");

-- CreateIndex
CREATE UNIQUE INDEX "ApiKey_prefix_key" ON "ApiKey"("prefix");

-- CreateIndex
CREATE INDEX "ApiKey_projectId_createdAt_id_idx" ON "ApiKey"("projectId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "IdempotencyKey_createdAt_idx" ON "IdempotencyKey"("createdAt");

-- CreateIndex
CREATE INDEX "AuditEvent_projectId_createdAt_id_idx" ON "AuditEvent"("projectId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "AuditEvent_subjectId_createdAt_id_idx" ON "AuditEvent"("subjectId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Dataset_projectId_createdAt_id_idx" ON "Dataset"("projectId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Dataset_projectId_state_createdAt_id_idx" ON "Dataset"("projectId", "state", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Dataset_contentDigest_idx" ON "Dataset"("contentDigest");

-- CreateIndex
CREATE UNIQUE INDEX "DatasetShard_datasetId_split_index_key" ON "DatasetShard"("datasetId", "split", "index");

-- CreateIndex
CREATE INDEX "TeacherPool_projectId_createdAt_id_idx" ON "TeacherPool"("projectId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "TeacherPool_projectId_state_createdAt_id_idx" ON "TeacherPool"("projectId", "state", "createdAt", "id");

-- CreateIndex
CREATE INDEX "TeacherPool_datasetId_createdAt_id_idx" ON "TeacherPool"("datasetId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Teacher_poolId_createdAt_id_idx" ON "Teacher"("poolId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Teacher_checkpointDigest_idx" ON "Teacher"("checkpointDigest");

-- CreateIndex
CREATE UNIQUE INDEX "Teacher_poolId_index_key" ON "Teacher"("poolId", "index");

-- CreateIndex
CREATE INDEX "DistillationRun_projectId_createdAt_id_idx" ON "DistillationRun"("projectId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_projectId_state_createdAt_id_idx" ON "DistillationRun"("projectId", "state", "createdAt", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_datasetId_createdAt_id_idx" ON "DistillationRun"("datasetId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "DistillationRun_poolId_createdAt_id_idx" ON "DistillationRun"("poolId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Task_runId_kind_index_idx" ON "Task"("runId", "kind", "index");

-- CreateIndex
CREATE INDEX "Task_datasetId_createdAt_id_idx" ON "Task"("datasetId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Task_poolId_createdAt_id_idx" ON "Task"("poolId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Task_evaluationId_kind_index_idx" ON "Task"("evaluationId", "kind", "index");

-- CreateIndex
CREATE INDEX "Task_projectId_createdAt_id_idx" ON "Task"("projectId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Task_workerId_idx" ON "Task"("workerId");

-- CreateIndex
CREATE INDEX "Task_state_createdAt_id_idx" ON "Task"("state", "createdAt", "id");

-- CreateIndex
CREATE UNIQUE INDEX "TaskAttempt_taskId_number_key" ON "TaskAttempt"("taskId", "number");

-- CreateIndex
CREATE INDEX "Worker_createdAt_id_idx" ON "Worker"("createdAt", "id");

-- CreateIndex
CREATE INDEX "Worker_heartbeatAt_idx" ON "Worker"("heartbeatAt");

-- CreateIndex
CREATE UNIQUE INDEX "DistilledSet_runId_key" ON "DistilledSet"("runId");

-- CreateIndex
CREATE INDEX "DistilledSet_projectId_createdAt_id_idx" ON "DistilledSet"("projectId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "DistilledSet_projectId_state_createdAt_id_idx" ON "DistilledSet"("projectId", "state", "createdAt", "id");

-- CreateIndex
CREATE INDEX "DistilledSet_digest_idx" ON "DistilledSet"("digest");

-- CreateIndex
CREATE UNIQUE INDEX "DistilledShard_distilledSetId_index_key" ON "DistilledShard"("distilledSetId", "index");

-- CreateIndex
CREATE UNIQUE INDEX "DistilledShard_distilledSetId_name_key" ON "DistilledShard"("distilledSetId", "name");

-- CreateIndex
CREATE UNIQUE INDEX "LabelSet_distilledSetId_mode_key" ON "LabelSet"("distilledSetId", "mode");

-- CreateIndex
CREATE UNIQUE INDEX "LabelFile_labelSetId_index_key" ON "LabelFile"("labelSetId", "index");

-- CreateIndex
CREATE INDEX "Evaluation_projectId_createdAt_id_idx" ON "Evaluation"("projectId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Evaluation_distilledSetId_createdAt_id_idx" ON "Evaluation"("distilledSetId", "createdAt", "id");

-- CreateIndex
CREATE INDEX "Evaluation_projectId_state_createdAt_id_idx" ON "Evaluation"("projectId", "state", "createdAt", "id");

-- AddForeignKey
ALTER TABLE "ApiKey" ADD CONSTRAINT "ApiKey_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Dataset" ADD CONSTRAINT "Dataset_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DatasetShard" ADD CONSTRAINT "DatasetShard_datasetId_fkey" FOREIGN KEY ("datasetId") REFERENCES "Dataset"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TeacherPool" ADD CONSTRAINT "TeacherPool_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TeacherPool" ADD CONSTRAINT "TeacherPool_datasetId_fkey" FOREIGN KEY ("datasetId") REFERENCES "Dataset"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Teacher" ADD CONSTRAINT "Teacher_poolId_fkey" FOREIGN KEY ("poolId") REFERENCES "TeacherPool"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DistillationRun" ADD CONSTRAINT "DistillationRun_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DistillationRun" ADD CONSTRAINT "DistillationRun_datasetId_fkey" FOREIGN KEY ("datasetId") REFERENCES "Dataset"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DistillationRun" ADD CONSTRAINT "DistillationRun_poolId_fkey" FOREIGN KEY ("poolId") REFERENCES "TeacherPool"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "RunEvent" ADD CONSTRAINT "RunEvent_runId_fkey" FOREIGN KEY ("runId") REFERENCES "DistillationRun"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "MetricPoint" ADD CONSTRAINT "MetricPoint_runId_fkey" FOREIGN KEY ("runId") REFERENCES "DistillationRun"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Task" ADD CONSTRAINT "Task_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Task" ADD CONSTRAINT "Task_datasetId_fkey" FOREIGN KEY ("datasetId") REFERENCES "Dataset"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Task" ADD CONSTRAINT "Task_poolId_fkey" FOREIGN KEY ("poolId") REFERENCES "TeacherPool"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Task" ADD CONSTRAINT "Task_runId_fkey" FOREIGN KEY ("runId") REFERENCES "DistillationRun"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Task" ADD CONSTRAINT "Task_evaluationId_fkey" FOREIGN KEY ("evaluationId") REFERENCES "Evaluation"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Task" ADD CONSTRAINT "Task_workerId_fkey" FOREIGN KEY ("workerId") REFERENCES "Worker"("id") ON DELETE SET NULL ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "TaskAttempt" ADD CONSTRAINT "TaskAttempt_taskId_fkey" FOREIGN KEY ("taskId") REFERENCES "Task"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DistilledSet" ADD CONSTRAINT "DistilledSet_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DistilledSet" ADD CONSTRAINT "DistilledSet_runId_fkey" FOREIGN KEY ("runId") REFERENCES "DistillationRun"("id") ON DELETE RESTRICT ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "DistilledShard" ADD CONSTRAINT "DistilledShard_distilledSetId_fkey" FOREIGN KEY ("distilledSetId") REFERENCES "DistilledSet"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "LabelSet" ADD CONSTRAINT "LabelSet_distilledSetId_fkey" FOREIGN KEY ("distilledSetId") REFERENCES "DistilledSet"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "LabelFile" ADD CONSTRAINT "LabelFile_labelSetId_fkey" FOREIGN KEY ("labelSetId") REFERENCES "LabelSet"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Evaluation" ADD CONSTRAINT "Evaluation_projectId_fkey" FOREIGN KEY ("projectId") REFERENCES "Project"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "Evaluation" ADD CONSTRAINT "Evaluation_distilledSetId_fkey" FOREIGN KEY ("distilledSetId") REFERENCES "DistilledSet"("id") ON DELETE CASCADE ON UPDATE CASCADE;

-- AddForeignKey
ALTER TABLE "EvaluationResult" ADD CONSTRAINT "EvaluationResult_evaluationId_fkey" FOREIGN KEY ("evaluationId") REFERENCES "Evaluation"("id") ON DELETE CASCADE ON UPDATE CASCADE;
