-- CreateEnum
CREATE TYPE "DatasetLayout" AS ENUM ('CLASS_FOLDERS', 'TINY_IMAGENET', 'IDX', 'CIFAR_BINARY', 'WEBDATASET', 'HUGGING_FACE', 'MANIFEST');

-- CreateEnum
CREATE TYPE "ClassOrder" AS ENUM ('SOURCE', 'SORTED', 'NUMBERED', 'GIVEN');

-- AlterTable
ALTER TABLE "Dataset" ADD COLUMN     "classOrder" "ClassOrder",
ADD COLUMN     "duplicateCount" INTEGER NOT NULL DEFAULT 0,
ADD COLUMN     "duplicates" JSONB NOT NULL DEFAULT '[]',
ADD COLUMN     "layout" "DatasetLayout",
ADD COLUMN     "skippedCount" INTEGER NOT NULL DEFAULT 0;
