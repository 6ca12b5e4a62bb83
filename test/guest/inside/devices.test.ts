import { testDevices } from '../../limits/devices.js';

testDevices();
