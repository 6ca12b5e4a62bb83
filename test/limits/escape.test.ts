import { testEscapes } from './escape.js';

testEscapes();
