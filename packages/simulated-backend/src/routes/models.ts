import { ApiError } from '../errors.js';
import { jsonReply } from '../replies/reply.js';
import { type Behaviour, modelIds } from '../settings/settings.js';
import type { Handler } from './context.js';

/** 2024-01-01, so that listings of several backends and runs agree. */
const CREATED = 1_704_067_200;

function model(id: string, { name }: Behaviour): object {
  return { id, object: 'model', created: CREATED, owned_by: `sim-${name}` };
}

export const listModels: Handler = (_received, { behaviour }) =>
  jsonReply({ object: 'list', data: modelIds(behaviour).map((id) => model(id, behaviour)) });

export function getModel(id: string): Handler {
  return (_received, { behaviour }) => {
    if (modelIds(behaviour).includes(id)) return jsonReply(model(id, behaviour));
    throw new ApiError(404, 'model_not_found', `The model '${id}' does not exist.`, 'model');
  };
}
