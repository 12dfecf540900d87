// SPDX-License-Identifier: Apache-2.0

package kernelext

import (
	"fmt"
	"image"
	"image/png"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// pixels are a picture that can be decoded.
type pixels struct{ Alt string }

func (pixels) Size() (width, height int) { return 2, 2 }
func (pixels) WritePNG(w io.Writer) error {
	return png.Encode(w, image.NewGray(image.Rect(0, 0, 4, 4)))
}

func slideScenario() {
	answerTime, firstTime, moveTime = 200*time.Millisecond, 200*time.Millisecond, 200*time.Millisecond
	if os.Getenv("SLIDE_PATIENT") != "" {
		answerTime, firstTime, moveTime = time.Minute, time.Minute, time.Minute
	}
	var names []string
	for i := range 10 {
		names = append(names, fmt.Sprint(i*i))
	}
	chosen := Slide("k", names, func(i int) Drawing { return pixels{fmt.Sprintf("picture %d", i)} })
	fmt.Println("chose", chosen)
}

// A reader who moves the slider sees pictures that are drawn for the purpose; then the cell goes on.
func TestSlide(t *testing.T) {
	dir := shortTemp(t)
	var k fakeKernel
	go func() { // the reader, for whom the kernel stands
		var socket net.Conn
		for socket == nil {
			time.Sleep(5 * time.Millisecond)
			if names, _ := filepath.Glob(filepath.Join(dir, "*")); len(names) > 0 {
				socket, _ = net.Dial("unixgram", names[0]) // nil before it listens
			}
		}
		drawn := func(n int) bool {
			k.mu.Lock()
			defer k.mu.Unlock()
			return strings.Count(k.transcript(), "[picture ") == n
		}
		for i, move := range []string{`"hello"`, "4", "9", `"done"`} {
			for deadline := time.Now().Add(time.Minute); !drawn(i) && time.Now().Before(deadline); {
				time.Sleep(5 * time.Millisecond)
			}
			socket.Write([]byte(move))
		}
	}()
	k.run(t, "slide", "LATERAL_INBOX="+dir, "SLIDE_PATIENT=1", "LATERAL_HEADLESS=0")
	want := "[slider over k, from 0 to 81]\n[picture 0]\n[picture 4]\n[picture 9]\n[k = 81. Run the cell again to " +
		"choose another.]\nchose 9\n"
	if got := k.transcript(); got != want {
		t.Errorf("got\n%s\nwant\n%s", got, want)
	}
	shown := k.displays()
	if a, b := shown[0].data.DisplayID, shown[4].data.DisplayID; a != b || a == "" {
		t.Errorf("the slider %q is not replaced at the end (%q)", a, b)
	}
	if a, b := shown[1].data.DisplayID, shown[3].data.DisplayID; a != b || a == "" {
		t.Error("the picture is not redrawn in place")
	}
	if left, _ := os.ReadDir(dir); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}

// Where no browser answers, or the reader goes away, the cell does not wait long.
func TestSlideWithoutAReader(t *testing.T) {
	const strip = "[k = 0: picture 0 k = 1: picture 1 k = 9: picture 3 k = 16: picture 4 k = 25: picture 5 k = 36: " +
		"picture 6 k = 64: picture 8 k = 81: picture 9]\n" +
		"[slider over k: 0, 1, 9, 16, 25, 36, 64, 81]\nchose 0\n"
	for name, test := range map[string]struct {
		env  []string
		want string
	}{
		"headless":     {[]string{"LATERAL_HEADLESS=1", "LATERAL_INBOX=" + t.TempDir()}, strip},
		"other kernel": {[]string{"LATERAL_HEADLESS=0", "LATERAL_INBOX="}, strip},
		"no answer": {[]string{"LATERAL_HEADLESS=0", "LATERAL_INBOX=" + shortTemp(t)}, "[slider over k, from 0 to 81]\n" +
			strip},
	} {
		var k fakeKernel
		k.run(t, "slide", test.env...)
		if got := k.transcript(); got != test.want {
			t.Errorf("%s: got\n%s\nwant\n%s", name, got, test.want)
		}
	}
}

// shortTemp is a directory with a name that leaves room for that of a socket.
func shortTemp(t *testing.T) string {
	t.Helper()
	dir, err := os.MkdirTemp("", "inbox-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(dir) })
	return dir
}
