import type { AppointmentStatus } from '../records/appointment.ts';

const names: Readonly<Record<AppointmentStatus, string>> = {
  booked: 'Booked',
  arrived: 'Arrived',
  fulfilled: 'Done',
  cancelled: 'Cancelled',
  noshow: 'Did not come',
};

export function statusName(status: AppointmentStatus): string {
  return names[status];
}
