CREATE UNLOGGED TABLE "countersign"."session_proof" (
	"proofs" uuid NOT NULL,
	"patient" text NOT NULL,
	"kind" text NOT NULL,
	"operation" text,
	"verified_at" bigint NOT NULL,
	"content" text NOT NULL,
	"expires_at" bigint NOT NULL,
	CONSTRAINT "session_proof_pkey" PRIMARY KEY("proofs","patient","kind")
);
--> statement-breakpoint
CREATE UNLOGGED TABLE "countersign"."session_state" (
	"key_hash" text PRIMARY KEY NOT NULL,
	"workspace_id" text NOT NULL,
	"user_id" text NOT NULL,
	"number" text NOT NULL,
	"proofs" uuid DEFAULT gen_random_uuid() NOT NULL,
	"signed_in_at" bigint NOT NULL,
	"user_epoch" bigint NOT NULL,
	"workspace_epoch" bigint NOT NULL,
	"ended_at" bigint,
	"last_activity_at" bigint,
	"has_factor" boolean NOT NULL,
	"binding" text,
	"old_binding" text,
	"old_binding_until" bigint DEFAULT 0 NOT NULL,
	"rotated_at" bigint DEFAULT 0 NOT NULL,
	"challenges" text DEFAULT '[]' NOT NULL,
	"ceremonies" text DEFAULT '[]' NOT NULL,
	"turns" text DEFAULT '[]' NOT NULL,
	"expires_at" bigint NOT NULL
);
--> statement-breakpoint
CREATE INDEX "session_proof_expiry" ON "countersign"."session_proof" USING btree ("expires_at");--> statement-breakpoint
CREATE INDEX "session_state_expiry" ON "countersign"."session_state" USING btree ("expires_at");