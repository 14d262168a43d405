import "./portal.css";
import { start } from "../start";
import { Portal } from "./Portal";

await start(<Portal />, "portal");
