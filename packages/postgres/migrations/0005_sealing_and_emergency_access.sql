CREATE TABLE "countersign"."audit_archive" (
	"seal" bigint PRIMARY KEY NOT NULL,
	"heads" text NOT NULL,
	"digest" "bytea" NOT NULL,
	"at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "countersign"."audit_node" (
	"level" integer NOT NULL,
	"index" bigint NOT NULL,
	"hash" "bytea" NOT NULL,
	CONSTRAINT "audit_node_pkey" PRIMARY KEY("level","index")
);
--> statement-breakpoint
CREATE TABLE "countersign"."audit_seal" (
	"number" bigint PRIMARY KEY NOT NULL,
	"size" bigint NOT NULL,
	"root" "bytea" NOT NULL,
	"frontier" "bytea" NOT NULL,
	"checkpoint" text NOT NULL,
	"at" bigint NOT NULL
);
--> statement-breakpoint
CREATE TABLE "countersign"."audit_seal_range" (
	"stream" uuid NOT NULL,
	"from_index" bigint NOT NULL,
	"until_index" bigint NOT NULL,
	"seal" bigint NOT NULL,
	"start" bigint NOT NULL,
	"head" "bytea" NOT NULL,
	CONSTRAINT "audit_seal_range_pkey" PRIMARY KEY("stream","from_index")
);
--> statement-breakpoint
CREATE TABLE "countersign"."emergency_access" (
	"id" uuid PRIMARY KEY NOT NULL,
	"workspace_id" text NOT NULL,
	"user_id" text NOT NULL,
	"purpose" text NOT NULL,
	"patient_id" text,
	"opened_at" bigint NOT NULL,
	"ends_at" bigint NOT NULL,
	"content" text NOT NULL,
	"mac" text NOT NULL,
	"written_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE TABLE "countersign"."emergency_access_step" (
	"emergency_access_id" uuid NOT NULL,
	"kind" text NOT NULL,
	"at" bigint NOT NULL,
	"by_user_id" text,
	"content" text NOT NULL,
	"mac" text NOT NULL,
	"written_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "emergency_access_step_pkey" PRIMARY KEY("emergency_access_id","kind")
);
--> statement-breakpoint
-- By patient alone: equal keys are kept once (deduplication), and the index is a sixth of the size that it had with the time.
DROP INDEX "countersign"."audit_event_patient";--> statement-breakpoint
CREATE UNIQUE INDEX "audit_seal_range_start" ON "countersign"."audit_seal_range" USING btree ("start");--> statement-breakpoint
CREATE INDEX "audit_seal_range_seal" ON "countersign"."audit_seal_range" USING btree ("seal");--> statement-breakpoint
CREATE INDEX "emergency_access_workspace" ON "countersign"."emergency_access" USING btree ("workspace_id","opened_at");--> statement-breakpoint
CREATE INDEX "emergency_access_user" ON "countersign"."emergency_access" USING btree ("workspace_id","user_id","opened_at");--> statement-breakpoint
CREATE INDEX "emergency_access_written" ON "countersign"."emergency_access" USING btree ("written_at");--> statement-breakpoint
CREATE INDEX "emergency_access_step_written" ON "countersign"."emergency_access_step" USING btree ("written_at");--> statement-breakpoint
CREATE INDEX "audit_event_emergency_access" ON "countersign"."audit_event" USING btree ("emergency_access_id","at") WHERE emergency_access_id is not null;--> statement-breakpoint
CREATE INDEX "audit_event_patient" ON "countersign"."audit_event" USING btree ("patient_id") WHERE patient_id is not null;