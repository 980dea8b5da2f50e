// Lets node import scripts by the addresses that browsers use, each as a module.
import { register } from "node:module";

register("./hooks.mjs", import.meta.url);
