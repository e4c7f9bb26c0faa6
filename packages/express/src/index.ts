export {
  type CountersignExpress,
  type CountersignExpressOptions,
  countersignExpress,
  type StepUpMiddleware,
} from './countersign-express.ts';
export { coverage } from './coverage.ts';
export type { ExpressErrorHandler, ExpressHandler, ExpressRequest, ExpressResponse, Next } from './express-types.ts';
