import type { AppointmentStatus } from './appointment.ts';
import { addDays, type CalendarDay, isWeekend, startOfDay } from './calendar-day.ts';
import type { Patient } from './patient.ts';
import { providers } from './providers.ts';
import { type SeededRandom, seededRandom } from './random.ts';
import type { appointmentTable } from './schema.ts';
import { type SyntheticVisit, syntheticVisits } from './synthetic-visits.ts';

type AppointmentRow = typeof appointmentTable.$inferInsert;

const opens = 8 * 60;
const closes = { weekday: 17 * 60, weekend: 14 * 60 };
const lunch = { from: 12 * 60, until: 13 * 60 };
const byWeight = syntheticVisits.flatMap((visit) => Array.from({ length: visit.weight }, () => visit));
const sensitiveFrom = ['5', '8', '12'];

/**
 * Invented appointments for each day from `from` to `until`, both included, numbered from `firstNumber`. The same arguments
 * give the same rows. Every day, weekends too, has at least one of each category.
 */
export function syntheticAppointments(range: {
  readonly from: CalendarDay;
  readonly until: CalendarDay;
  readonly today: CalendarDay;
  readonly firstNumber: number;
  readonly patients: readonly Patient[];
}): readonly AppointmentRow[] {
  const rows: AppointmentRow[] = [];
  for (let day = range.from; day <= range.until; day = addDays(day, 1)) {
    for (const row of syntheticDay(day, range.today, range.patients)) {
      rows.push({ id: `a-${String(range.firstNumber + rows.length).padStart(5, '0')}`, version: 1, ...row });
    }
  }
  return rows;
}

function syntheticDay(day: CalendarDay, today: CalendarDay, patients: readonly Patient[]) {
  const random = seededRandom(`appointments ${day}`);
  const oneOfEach = random.shuffled(syntheticVisits);
  const choosePatient = patientChooser(random, patients);
  const closing = isWeekend(day) ? closes.weekend : closes.weekday;
  const atWork = isWeekend(day) ? providers.slice(0, 2) : providers;
  const rows: Omit<AppointmentRow, 'id' | 'version'>[] = [];
  for (const provider of atWork) {
    let minute = opens + random.below(3) * 15;
    while (minute < closing) {
      if (minute >= lunch.from && minute < lunch.until) minute = lunch.until;
      const visit = oneOfEach.pop() ?? random.pick(byWeight);
      rows.push({
        patientId: choosePatient(visit),
        providerId: provider.id,
        start: new Date(startOfDay(day).getTime() + minute * 60_000),
        minutes: visit.minutes,
        categoryId: visit.categoryId,
        title: random.pick(visit.titles),
        notes: random.pick(visit.notes),
        status: statusOn(day, today, random),
      });
      minute += Math.ceil(visit.minutes / 15) * 15 + random.below(3) * 15;
    }
  }
  return rows.sort((a, b) => a.start.getTime() - b.start.getTime());
}

/** Nobody comes twice a day, and treatments in a series go mostly to a third of the patients, as series do. */
function patientChooser(random: SeededRandom, patients: readonly Patient[]): (visit: SyntheticVisit) => string {
  const inSeries = random.shuffled(patients.slice(0, Math.ceil(patients.length / 3)));
  const anybody = random.shuffled(patients);
  const seen = new Set<string>();
  return (visit) => {
    const source = sensitiveFrom.includes(visit.categoryId) && random.below(5) > 0 ? inSeries : anybody;
    const patient = source.find((one) => !seen.has(one.id)) ?? random.pick(patients);
    seen.add(patient.id);
    return patient.id;
  };
}

function statusOn(day: CalendarDay, today: CalendarDay, random: SeededRandom): AppointmentStatus {
  const roll = random.below(20);
  if (day < today) return roll === 0 ? 'noshow' : roll === 1 ? 'cancelled' : 'fulfilled';
  return roll === 0 ? 'cancelled' : 'booked';
}
