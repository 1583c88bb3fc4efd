import { progress } from './environment.mjs';
import { prepare } from './prepare.mjs';

await prepare();
progress('ready: packages, build and model are in place');
