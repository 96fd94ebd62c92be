-- AlterTable
ALTER TABLE "ApiKey" ADD COLUMN     "successorId" UUID;

-- CreateIndex
CREATE UNIQUE INDEX "ApiKey_successorId_key" ON "ApiKey"("successorId");
