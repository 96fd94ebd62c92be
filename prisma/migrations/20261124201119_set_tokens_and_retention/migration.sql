-- AlterTable
ALTER TABLE "Dataset" ADD COLUMN     "archivedAt" TIMESTAMPTZ(3),
ADD COLUMN     "deleteAfter" TIMESTAMPTZ(3);

-- AlterTable
ALTER TABLE "DistilledSet" ADD COLUMN     "deleteAfter" TIMESTAMPTZ(3);

-- CreateTable
CREATE TABLE "DistilledSetToken" (
    "id" UUID NOT NULL,
    "distilledSetId" UUID NOT NULL,
    "name" TEXT NOT NULL,
    "prefix" TEXT NOT NULL,
    "secretHash" TEXT NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,
    "expiresAt" TIMESTAMPTZ(3) NOT NULL,
    "revokedAt" TIMESTAMPTZ(3),

    CONSTRAINT "DistilledSetToken_pkey" PRIMARY KEY ("id")
);

-- CreateIndex
CREATE UNIQUE INDEX "DistilledSetToken_prefix_key" ON "DistilledSetToken"("prefix");

-- CreateIndex
CREATE INDEX "DistilledSetToken_distilledSetId_createdAt_id_idx" ON "DistilledSetToken"("distilledSetId", "createdAt", "id");

-- AddForeignKey
ALTER TABLE "DistilledSetToken" ADD CONSTRAINT "DistilledSetToken_distilledSetId_fkey" FOREIGN KEY ("distilledSetId") REFERENCES "DistilledSet"("id") ON DELETE CASCADE ON UPDATE CASCADE;
