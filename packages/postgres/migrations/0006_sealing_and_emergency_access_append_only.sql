-- Records may go in one case: the transaction leaves a row that says which, and that only the owner of the tables may write.
CREATE OR REPLACE FUNCTION "countersign"."refuse_change"() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  IF TG_OP = 'DELETE' AND TG_TABLE_NAME = 'audit_event' AND EXISTS (
    SELECT FROM countersign.audit_archive WHERE xmin = pg_current_xact_id()::xid
  ) THEN
    RETURN NULL;
  END IF;
  RAISE EXCEPTION USING
    ERRCODE = '55000',
    MESSAGE = format('%s on %I.%I is refused: the audit log is append-only.', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME),
    HINT = 'What was recorded stays. Record a correction as an event of its own.';
END
$$;
--> statement-breakpoint
-- As for audit_event: what was sealed, archived or done in an emergency stays as it was written.
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "countersign"."audit_seal"
FOR EACH STATEMENT EXECUTE FUNCTION "countersign"."refuse_change"();
--> statement-breakpoint
ALTER TABLE "countersign"."audit_seal" ENABLE ALWAYS TRIGGER "append_only";
--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "countersign"."audit_seal_range"
FOR EACH STATEMENT EXECUTE FUNCTION "countersign"."refuse_change"();
--> statement-breakpoint
ALTER TABLE "countersign"."audit_seal_range" ENABLE ALWAYS TRIGGER "append_only";
--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "countersign"."audit_node"
FOR EACH STATEMENT EXECUTE FUNCTION "countersign"."refuse_change"();
--> statement-breakpoint
ALTER TABLE "countersign"."audit_node" ENABLE ALWAYS TRIGGER "append_only";
--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "countersign"."audit_archive"
FOR EACH STATEMENT EXECUTE FUNCTION "countersign"."refuse_change"();
--> statement-breakpoint
ALTER TABLE "countersign"."audit_archive" ENABLE ALWAYS TRIGGER "append_only";
--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "countersign"."emergency_access"
FOR EACH STATEMENT EXECUTE FUNCTION "countersign"."refuse_change"();
--> statement-breakpoint
ALTER TABLE "countersign"."emergency_access" ENABLE ALWAYS TRIGGER "append_only";
--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "countersign"."emergency_access_step"
FOR EACH STATEMENT EXECUTE FUNCTION "countersign"."refuse_change"();
--> statement-breakpoint
ALTER TABLE "countersign"."emergency_access_step" ENABLE ALWAYS TRIGGER "append_only";
--> statement-breakpoint
-- Each event is put into the tree once, and none is left out: a stream's ranges follow on each other.
CREATE FUNCTION "countersign"."refuse_gap"() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
DECLARE
  sealed bigint;
BEGIN
  SELECT coalesce(max(until_index), 0) INTO sealed FROM countersign.audit_seal_range WHERE stream = NEW.stream;
  IF NEW.from_index <> sealed OR NEW.until_index <= NEW.from_index THEN
    RAISE EXCEPTION USING
      ERRCODE = '55000',
      MESSAGE = format('Events of %s are sealed up to %s: a range cannot begin at %s.', NEW.stream, sealed, NEW.from_index);
  END IF;
  RETURN NEW;
END
$$;
--> statement-breakpoint
CREATE TRIGGER "no_gap" BEFORE INSERT ON "countersign"."audit_seal_range"
FOR EACH ROW EXECUTE FUNCTION "countersign"."refuse_gap"();
