-- AlterEnum
ALTER TYPE "LabelKind" ADD VALUE 'SOFT_PLAIN';
