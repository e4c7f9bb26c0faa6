export { type CountersignFastifyOptions, countersignFastify } from './countersign-fastify.ts';
export { coverage } from './coverage.ts';
export { requireStepUp, type StepUpGuard } from './require-step-up.ts';
