-- AlterTable
ALTER TABLE "Dataset" ALTER COLUMN "classNames" SET DEFAULT ARRAY[]::TEXT[],
ALTER COLUMN "trainPerClass" SET DEFAULT ARRAY[]::INTEGER[],
ALTER COLUMN "channelMean" SET DEFAULT ARRAY[]::DOUBLE PRECISION[],
ALTER COLUMN "channelStd" SET DEFAULT ARRAY[]::DOUBLE PRECISION[];

-- Rows from before have nulls, which are no lists to those who read past Prisma.
UPDATE "Dataset" SET
    "classNames" = coalesce("classNames", ARRAY[]::TEXT[]),
    "trainPerClass" = coalesce("trainPerClass", ARRAY[]::INTEGER[]),
    "channelMean" = coalesce("channelMean", ARRAY[]::DOUBLE PRECISION[]),
    "channelStd" = coalesce("channelStd", ARRAY[]::DOUBLE PRECISION[]);
