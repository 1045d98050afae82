// Every picture that is painted, with the values that its PNG says it shows, and every key that is pressed.
(() => {
    window.painted = [];
    window.pressed = [];

    // A message posted while a frame is made arrives when it is on the screen.
    const nextFrame = () => new Promise(done => requestAnimationFrame(() => {
        const channel = new MessageChannel();
        channel.port1.onmessage = () => done(performance.now());
        channel.port2.postMessage(0);
    }));

    // PNG: 8 bytes, then chunks of length, name, data, checksum; a text chunk's data is its name, 0, its text.
    const valuesOf = bytes => {
        const view = new DataView(bytes.buffer), ascii = (from, to) => String.fromCharCode(...bytes.subarray(from, to));
        for (let at = 8; at + 8 < bytes.length; at += 12 + view.getUint32(at)) {
            const data = ascii(at + 4, at + 8) === 'tEXt' ? ascii(at + 8, at + 8 + view.getUint32(at)) : '';
            if (data.startsWith('values\0')) return JSON.parse(data.slice(7));
        }
        return null;
    };

    document.addEventListener('load', event => {
        if (event.target.tagName !== 'IMG') return;
        const bytes = fetch(event.target.src).then(answer => answer.arrayBuffer());
        Promise.all([nextFrame(), bytes]).then(([at, buffer]) => {
            const values = valuesOf(new Uint8Array(buffer));
            if (values) window.painted.push({at, clock: performance.timeOrigin + at, values});
        }, () => {});  // a picture that was replaced before it could be read
    }, true);
    document.addEventListener('keydown', event => window.pressed.push(event.timeStamp), true);
})();
