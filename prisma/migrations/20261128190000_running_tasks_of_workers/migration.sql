-- DropIndex
DROP INDEX "Task_workerId_idx";

-- CreateIndex
CREATE INDEX "Task_workerId_state_idx" ON "Task"("workerId", "state");
