-- IF NOT EXISTS, by hand: the migrator has made the schema already, for its own table.
CREATE SCHEMA IF NOT EXISTS "countersign";
--> statement-breakpoint
CREATE TABLE "countersign"."audit_event" (
	"stream" uuid NOT NULL,
	"index" bigint NOT NULL,
	"id" uuid NOT NULL,
	"at" timestamp (3) with time zone NOT NULL,
	"code" text NOT NULL,
	"outcome" text NOT NULL,
	"workspace_id" text,
	"user_id" text,
	"actor_id" text,
	"session" text,
	"patient_id" text,
	"categories" text,
	"action" text,
	"method" text,
	"route" text,
	"factor" text,
	"reason" text,
	"challenge_id" text,
	"emergency_access_id" text,
	"ip" text,
	"user_agent" text,
	"request_id" text,
	"details" text,
	"hash" "bytea" NOT NULL,
	CONSTRAINT "audit_event_pkey" PRIMARY KEY("stream","index")
);
--> statement-breakpoint
CREATE TABLE "countersign"."audit_stream" (
	"stream" uuid PRIMARY KEY NOT NULL,
	"opened_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	"ended_by" uuid,
	"ended_at" timestamp with time zone
);
--> statement-breakpoint
CREATE TABLE "countersign"."ended_session" (
	"workspace_id" text NOT NULL,
	"user_id" text NOT NULL,
	"key_hash" text NOT NULL,
	"signed_in_at" bigint NOT NULL,
	"ended_at" bigint NOT NULL,
	CONSTRAINT "ended_session_pkey" PRIMARY KEY("workspace_id","user_id","key_hash","signed_in_at")
);
--> statement-breakpoint
CREATE TABLE "countersign"."epoch" (
	"workspace_id" text NOT NULL,
	"user_id" text NOT NULL,
	"epoch" bigint NOT NULL,
	"written_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL,
	CONSTRAINT "epoch_pkey" PRIMARY KEY("workspace_id","user_id")
);
--> statement-breakpoint
CREATE TABLE "countersign"."factor" (
	"workspace_id" text NOT NULL,
	"user_id" text NOT NULL,
	"id" text NOT NULL,
	"factor" text NOT NULL,
	"label" text NOT NULL,
	"secret" text NOT NULL,
	"confirmed_at" bigint,
	"created_at" bigint NOT NULL,
	"counter" bigint NOT NULL,
	"mac" text NOT NULL,
	CONSTRAINT "factor_pkey" PRIMARY KEY("workspace_id","id")
);
--> statement-breakpoint
CREATE TABLE "countersign"."factor_attempts" (
	"workspace_id" text NOT NULL,
	"user_id" text NOT NULL,
	"factor" text NOT NULL,
	"recent" jsonb NOT NULL,
	"consecutive" integer NOT NULL,
	CONSTRAINT "factor_attempts_pkey" PRIMARY KEY("workspace_id","user_id","factor")
);
--> statement-breakpoint
CREATE TABLE "countersign"."settings" (
	"workspace_id" text PRIMARY KEY NOT NULL,
	"version" integer NOT NULL,
	"content" text NOT NULL,
	"mac" text NOT NULL,
	"changed_at" bigint NOT NULL,
	"changed_by" text NOT NULL,
	"written_at" timestamp with time zone DEFAULT clock_timestamp() NOT NULL
);
--> statement-breakpoint
CREATE UNIQUE INDEX "audit_event_id" ON "countersign"."audit_event" USING btree ("id");--> statement-breakpoint
CREATE INDEX "audit_event_workspace" ON "countersign"."audit_event" USING btree ("workspace_id","at","id");--> statement-breakpoint
CREATE INDEX "audit_event_patient" ON "countersign"."audit_event" USING btree ("patient_id","at") WHERE patient_id is not null;--> statement-breakpoint
CREATE INDEX "ended_session_sign_in" ON "countersign"."ended_session" USING btree ("workspace_id","user_id","signed_in_at");--> statement-breakpoint
CREATE INDEX "epoch_written" ON "countersign"."epoch" USING btree ("written_at");--> statement-breakpoint
CREATE INDEX "factor_user" ON "countersign"."factor" USING btree ("workspace_id","user_id");--> statement-breakpoint
CREATE UNIQUE INDEX "factor_pending" ON "countersign"."factor" USING btree ("workspace_id","user_id","factor") WHERE confirmed_at is null;--> statement-breakpoint
CREATE INDEX "settings_written" ON "countersign"."settings" USING btree ("written_at");