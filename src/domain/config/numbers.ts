/** What several configurations take. */
import { z } from 'zod';

export const positive = z.number().int().positive();
export const fraction = z.number().min(0).max(1);
