CREATE TABLE "countersign"."settings_proposal" (
	"workspace_id" text PRIMARY KEY NOT NULL,
	"base_version" integer NOT NULL,
	"content" text NOT NULL,
	"mac" text NOT NULL,
	"proposed_at" bigint NOT NULL,
	"proposed_by" text NOT NULL
);
--> statement-breakpoint
ALTER TABLE "countersign"."factor" ADD COLUMN "cap" text;--> statement-breakpoint
ALTER TABLE "countersign"."factor" ADD COLUMN "cap_ends_at" bigint;--> statement-breakpoint
DROP INDEX "countersign"."audit_event_mark";--> statement-breakpoint
CREATE INDEX "audit_event_mark" ON "countersign"."audit_event" USING btree ("workspace_id","code","user_id","at") WHERE code in ('MFA_SUCCESS', 'FACTOR_ENROLLED', 'FACTOR_RESET', 'SETTINGS_CHANGED', 'RECOVERY_CODE_USED');