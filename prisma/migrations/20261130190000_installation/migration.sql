-- CreateTable
CREATE TABLE "Installation" (
    "id" UUID NOT NULL,
    "createdAt" TIMESTAMPTZ(3) NOT NULL DEFAULT CURRENT_TIMESTAMP,

    CONSTRAINT "Installation_pkey" PRIMARY KEY ("id")
);

-- The one row there is: which database this is, whatever it is called and wherever it is moved to.
INSERT INTO "Installation" ("id") VALUES (gen_random_uuid());
