// The sentence that takes the whole screen when there is no picture to show.

export class Message {
  constructor(root, player) {
    this._root = root;
    this._player = player;
    this._again = root.querySelector("#again");
  }

  get shown() {
    return !this._root.hidden;
  }

  /**
   * Say what happened and what to do. `where` is an address for getting tokens, `again` a function, `pair`
   * whether this is a TV that has to be paired again.
   */
  show({ sentence, fix = "", where = "", again = null, pair = false }) {
    this._root.querySelector("#sentence").textContent = sentence;
    this._root.querySelector("#fix").textContent = fix;
    const link = this._root.querySelector("#where");
    link.hidden = !where;
    if (where) link.href = where;
    const [pairing, leave] = ["#pair", "#leave"].map((name) => this._root.querySelector(name));
    pairing.hidden = !pair;
    leave.hidden = pair;
    this._again.hidden = !again;
    this._again.onclick = again;
    this._root.hidden = false;
    this._player.dataset.state = "message";
    [link, this._again, pairing, leave].find((element) => !element.hidden).focus();
  }

  hide() {
    this._root.hidden = true;
  }
}
