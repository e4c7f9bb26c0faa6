-- An audit log that its own application could rewrite would be no evidence. For each statement, not each row: a statement that
-- would have touched no row is refused as well, and insertion costs nothing. 55000: object_not_in_prerequisite_state.
CREATE FUNCTION "countersign"."refuse_change"() RETURNS trigger
LANGUAGE plpgsql SET search_path = pg_catalog AS $$
BEGIN
  RAISE EXCEPTION USING
    ERRCODE = '55000',
    MESSAGE = format('%s on %I.%I is refused: the audit log is append-only.', TG_OP, TG_TABLE_SCHEMA, TG_TABLE_NAME),
    HINT = 'What was recorded stays. Record a correction as an event of its own.';
END
$$;
--> statement-breakpoint
CREATE TRIGGER "append_only" BEFORE UPDATE OR DELETE OR TRUNCATE ON "countersign"."audit_event"
FOR EACH STATEMENT EXECUTE FUNCTION "countersign"."refuse_change"();
--> statement-breakpoint
-- ALWAYS: also where session_replication_role is 'replica', which switches ordinary triggers off.
ALTER TABLE "countersign"."audit_event" ENABLE ALWAYS TRIGGER "append_only";
--> statement-breakpoint
-- The register of streams may record a stream's end, and forget none.
CREATE TRIGGER "append_only" BEFORE DELETE OR TRUNCATE ON "countersign"."audit_stream"
FOR EACH STATEMENT EXECUTE FUNCTION "countersign"."refuse_change"();
--> statement-breakpoint
ALTER TABLE "countersign"."audit_stream" ENABLE ALWAYS TRIGGER "append_only";
