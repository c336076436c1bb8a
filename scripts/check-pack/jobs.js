import { reference } from "brio/threads";

export const area = reference(import.meta.url, "area", (radius) => Math.round(Math.PI * radius ** 2));
