/** Hands out pieces that follow the position, and says where that is by then when it is asked. */
export interface Cursor {
  position(): number;
}
