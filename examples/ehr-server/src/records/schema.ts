import { integer, jsonb, pgSchema, text, timestamp } from 'drizzle-orm/pg-core';
import type { AppointmentStatus } from './appointment.ts';
import type { Patient } from './patient.ts';

/** Beside Countersign's tables in the same database, and out of their way. */
export const ehr = pgSchema('ehr');

export const patientTable = ehr.table('patient', {
  id: text('id').primaryKey(),
  givenName: text('given_name').notNull(),
  familyName: text('family_name').notNull(),
  gender: text('gender').$type<Patient['gender']>().notNull(),
  birthDate: text('birth_date').notNull(),
});

export const appointmentTable = ehr.table('appointment', {
  id: text('id').primaryKey(),
  patientId: text('patient_id').notNull(),
  providerId: text('provider_id').notNull(),
  start: timestamp('start', { withTimezone: true, mode: 'date' }).notNull(),
  minutes: integer('minutes').notNull(),
  categoryId: text('category_id').notNull(),
  title: text('title').notNull(),
  notes: text('notes').notNull(),
  status: text('status').$type<AppointmentStatus>().notNull(),
  version: integer('version').notNull(),
});

export const accountTable = ehr.table('account', {
  username: text('username').primaryKey(),
  displayName: text('display_name').notNull(),
  roles: jsonb('roles').$type<readonly string[]>().notNull(),
  passwordHash: text('password_hash').notNull(),
});

/** Each is safe to run again. One statement a line, since PGlite's prepared statements take no more. */
export const createStatements = [
  'create schema if not exists ehr',
  `create table if not exists ehr.patient (
    id text primary key, given_name text not null, family_name text not null, gender text not null, birth_date text not null)`,
  `create table if not exists ehr.appointment (
    id text primary key, patient_id text not null references ehr.patient (id), provider_id text not null,
    start timestamptz not null, minutes integer not null check (minutes > 0),
    category_id text not null check (category_id in ('1', '2', '3', '5', '8', '12')),
    title text not null, notes text not null, status text not null, version integer not null default 1)`,
  'create index if not exists appointment_start on ehr.appointment (start)',
  'create index if not exists appointment_patient on ehr.appointment (patient_id)',
  `create table if not exists ehr.account (
    username text primary key, display_name text not null, roles jsonb not null, password_hash text not null)`,
] as const;
