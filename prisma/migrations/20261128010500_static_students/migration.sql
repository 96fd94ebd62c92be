-- AlterEnum
ALTER TYPE "LabelKind" ADD VALUE 'STATIC';
