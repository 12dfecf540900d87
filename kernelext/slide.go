// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"html"
	"math/rand/v2"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"time"

	"github.com/janpfeifer/gonb/gonbui/protocol"
)

//go:embed slide.js
var slideScript string

// How long a cell waits: for a browser to answer, for the reader to move the slider at all, and to move it again.
var (
	answerTime = 3 * time.Second
	firstTime  = 20 * time.Second
	moveTime   = time.Minute
)

// Slide shows a slider and the picture of the name that it chooses, which draw makes when it is asked for, in Go, while
// the cell runs. It suits pictures that are too many or take too long for [Frames], which draws all beforehand and
// needs no kernel. The slider goes, the last picture stays and Slide returns its number when the reader clicks Done,
// presses the stop button, does not touch the slider for 20 seconds, or has not moved it for a minute.
//
// Where no browser answers within three seconds (lateral run, nbconvert, VS Code), it is Frames with up to eight of the
// names, and returns 0.
//
//	k := kernelext.Slide("k", []string{"1", "2", "4", "8"}, func(i int) kernelext.Drawing { return code(1 << i) })
func Slide(label string, names []string, draw func(i int) Drawing) (chosen int) {
	if len(names) == 0 {
		panic("kernelext: Slide: no names")
	}
	in, err := openInbox()
	if err != nil {
		framesOfSome(label, names, draw, "")
		return 0
	}
	defer in.close()
	id := "lateral-" + in.key
	control := slideBundle(in.key, label, names)
	control.id = id
	if kernel.deliver(control) != nil || !in.answered() {
		framesOfSome(label, names, draw, id)
		return 0
	}
	ids := [2]string{newDisplayID(), newDisplayID()} // of picture and caption
	shown := false
	show := func(i int) Drawing {
		d := draw(i)
		bundles, err := drawingBundles(d)
		if err != nil {
			fmt.Fprintf(os.Stderr, "kernelext: Slide: %v\n", err)
			return d
		}
		for k := range bundles {
			bundles[k].id = ids[k]
			if shown {
				_ = kernel.update(bundles[k]) // a broken link has been reported
			}
		}
		if !shown {
			_ = kernel.deliver(bundles...)
		}
		shown = true
		return d
	}
	last := show(0)
	for i := range in.moves(len(names)) {
		if i != chosen {
			chosen = i
			last = show(i)
		}
	}
	end := textBundle(fmt.Sprintf("%s = %s. Run the cell again to choose another.", label, names[chosen]))
	end.id = id
	_ = kernel.update(end)
	_ = kernel.settle()
	keepFigure(last)
	return chosen
}

// slideBundle is the output that holds the slider. It is hidden until its script has reached the kernel.
func slideBundle(key, label string, names []string) bundle {
	return interactive("slide", fmt.Sprintf("slider over %s, from %s to %s", label, names[0], names[len(names)-1]),
		"("+slideScript+")("+arguments(key, os.Getenv(protocol.GONB_JUPYTER_KERNEL_ID_ENV), names)+")",
		fmt.Sprintf(`<div data-lateral="%s" hidden><label>%s <input type="range" min="0" max="%d" value="0" `+
			`style="width: 20em; vertical-align: middle"></label> `+
			`<output>%s</output> <button type="button">Done</button></div>`, key, html.EscapeString(label), len(names)-1,
			html.EscapeString(names[0])))
}

// framesOfSome is Frames with no more names than a strip shows. It takes the place of the output id, if there is one.
func framesOfSome(label string, names []string, draw func(i int) Drawing, id string) {
	shown := stripOf(len(names))
	var some []string
	for _, i := range shown {
		some = append(some, names[i])
	}
	bundles, err := frames(label, some, func(i int) Drawing { return draw(shown[i]) })
	if err != nil {
		fmt.Fprintf(os.Stderr, "kernelext: Slide: %v\n", err)
		return
	}
	if id != "" {
		bundles[0].id = id
		if kernel.update(bundles[0]) == nil {
			bundles = bundles[1:]
		}
	}
	emit(bundles...)
}

// An inbox receives what a reader does in the browser. The browser tells the kernel, which tells the socket of the
// inbox's key in the directory that it has named in the environment.
type inbox struct {
	key    string
	socket *net.UnixConn
	hello  chan bool
	values chan json.RawMessage
}

// errNobody means that no browser can answer.
var errNobody = errors.New("nobody watches")

func openInbox() (*inbox, error) {
	dir := os.Getenv("LATERAL_INBOX")
	if !inNotebook || Headless() || dir == "" {
		return nil, errNobody
	}
	in := &inbox{key: fmt.Sprintf("%08x", rand.Uint32()), hello: make(chan bool, 1), values: make(chan json.RawMessage, 1)}
	var err error
	address := &net.UnixAddr{Name: filepath.Join(dir, in.key), Net: "unixgram"}
	if in.socket, err = net.ListenUnixgram("unixgram", address); err != nil {
		return nil, err
	}
	go in.read()
	return in, nil
}

// read keeps the newest value: while a picture is drawn the slider goes on.
func (in *inbox) read() {
	for buffer := make([]byte, 4096); ; {
		n, err := in.socket.Read(buffer)
		if err != nil {
			return
		}
		value := json.RawMessage(append([]byte(nil), buffer[:n]...))
		if string(value) == `"hello"` {
			select {
			case in.hello <- true:
			default: // the page was loaded again
			}
			continue
		}
		select {
		case <-in.values:
		default:
		}
		in.values <- value
	}
}

// answered waits for the browser.
func (in *inbox) answered() bool {
	select {
	case <-in.hello:
		return true
	case <-time.After(answerTime):
		return false
	}
}

// moves gives the numbers that the reader chooses, below n, until the reader is done.
func (in *inbox) moves(n int) func(yield func(int) bool) {
	return func(yield func(int) bool) {
		stop := make(chan os.Signal, 1)
		signal.Notify(stop, os.Interrupt)
		defer signal.Stop(stop)
		for limit := firstTime; ; limit = moveTime {
			select {
			case value := <-in.values:
				var i int
				if json.Unmarshal(value, &i) != nil || i < 0 || i >= n || !yield(i) { // "done" is no number
					return
				}
			case <-time.After(limit):
				return
			case <-stop:
				return
			}
		}
	}
}

func (in *inbox) close() {
	in.socket.Close()
	os.Remove(in.socket.LocalAddr().String())
}
