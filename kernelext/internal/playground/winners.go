// SPDX-License-Identifier: Apache-2.0

package playground

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/autograd"
	"github.com/lateral-ml/lateral/lib/competitive"
	"github.com/lateral-ml/lateral/lib/metrics"
	"github.com/lateral-ml/lateral/lib/nn"
	"github.com/lateral-ml/lateral/lib/tensor"
)

var winnersDemo = Demo{
	Name: "winners", Title: "Who competes with whom", Notebook: "05_winner_take_all_autoencoders",
	Try: "Choose an axis of competition and read the raster by rows and by columns: which of them have equally many " +
		"winners? Then lower the share until the reconstruction of your drawing breaks: does it break sooner when " +
		"images compete, or when the units of an image do?",
	Controls: []Control{
		{Name: "pad", Label: "Draw here", Kind: Pad, Side: side},
		{Name: "clear", Label: "Clear", Kind: Button},
		examples(5),
		{Name: "axis", Label: "who competes", Kind: Choice, Choices: axes, Value: 2},
		{Name: "share", Label: "share that wins, %", Kind: Slider, Min: 2, Max: 60, Step: 2, Value: 10},
	},
	Files: []string{Digits, "lifetime.safetensors", "maps.safetensors"}, start: startWinners,
}

// axes are the axes along which activities compete.
var axes = []string{
	"nobody", "the units of an image", "the images of a unit (lifetime)", "the positions of a map (spatial)",
	"positions, then images (both)",
}

// crowd is the number of images that compete, the drawing first.
const crowd = 50

// A dense is a fully connected autoencoder, with the parameters of wta15.Dense.
type dense struct {
	Encoder *nn.Dense
	Decoder *autograd.Var // [units, inputs]
	Bias    *autograd.Var
}

// A conv is a convolutional autoencoder, with the parameters of wta15.Conv.
type conv struct {
	Encoder []*nn.Conv2D
	Decoder *nn.ConvTranspose2D
}

// filters is the number of maps of the convolutional autoencoder.
const filters = 16

type winners struct {
	*drawing
	full  dense
	conv  conv
	tape  *autograd.Tape
	batch *tensor.Tensor // [crowd, 1, 28, 28]
	maps  *tensor.Tensor // net inputs of the last convolution for the batch; nil until they are needed
	axis  int
	share float64
}

func startWinners(files Files) (Session, error) {
	learn, test, err := readDigits(files)
	if err != nil {
		return nil, err
	}
	rng := tensor.Stream(1, "weights")
	same := autograd.SamePadding
	w := &winners{
		drawing: newDrawing(test, 5), tape: autograd.NewTape(1), batch: learn.x.Slice(0, crowd).Clone(), axis: 2, share: 0.1,
		full: dense{nn.NewDense(side*side, units, nil, rng), autograd.NewParam(tensor.New(units, side*side)),
			autograd.NewParam(tensor.New(side * side))},
		conv: conv{[]*nn.Conv2D{nn.NewConv2D(1, filters, 5, 5, same(5, 5), nil, rng),
			nn.NewConv2D(filters, filters, 5, 5, same(5, 5), nil, rng)},
			nn.NewConvTranspose2D(filters, 1, 11, 11, same(11, 11), nil, rng)},
	}
	if err := load(files, "lifetime.safetensors", &struct{ Layers []*dense }{[]*dense{&w.full}}); err != nil {
		return nil, err
	}
	return w, load(files, "maps.safetensors", &struct{ Layers []*conv }{[]*conv{&w.conv}})
}

func (w *winners) Do(e Event) error {
	if taken, err := w.do(e); taken {
		return err
	}
	switch e.Control {
	case "clear":
		w.empty, w.pad = true, make([]byte, side*side)
	case "axis":
		w.axis = min(max(int(e.Value), 0), len(axes)-1)
	case "share":
		w.share = min(max(e.Value/100, 0.02), 1)
	default:
		return unknown("winners", e)
	}
	return nil
}

func (w *winners) Work() bool { return false }

func (w *winners) Views() []View {
	views := w.views()
	if w.empty {
		return append(views, View{Kind: Answer, Text: "Draw a digit in the square. It competes with 49 other images."})
	}
	copy(w.batch.Row(0), w.image.Data())
	w.tape.Reset()
	active, image, where := w.dense()
	if w.axis >= 3 {
		active, image, where = w.convolutional()
	}
	mine, all := 0, 0
	raster := make([]byte, len(active.Data()))
	rows := active.Width()
	for i := range crowd {
		for u, v := range active.Row(i) {
			if v > 0 {
				raster[u*crowd+i] = 255
				all++
				if i == 0 {
					mine++
				}
			}
		}
	}
	quality := metrics.PSNR(tensor.From(image, 1, 1, side, side), w.image, 1)
	of := "units"
	if w.axis >= 3 {
		of = "maps"
	}
	views = append(views,
		View{Kind: Answer, Text: fmt.Sprintf("%d of %d %s win for your image, %.1f for an image on average. "+
			"The reconstruction has %.1f dB.", mine, rows, of, float64(all)/crowd, quality)},
		View{Kind: Images, Label: "Your image, and what its winners reconstruct", Width: side, Height: side, Columns: 2,
			Zoom: 4, Pixels: append(grey(w.image.Data()), grey(image)...)},
		View{Kind: Images, Label: fmt.Sprintf("Winners: a row for each of %d %s, a column for each of %d images, yours first",
			rows, of, crowd), Width: crowd, Height: rows, Columns: 1, Zoom: 6, Pixels: raster})
	if where != nil {
		views = append(views, View{Kind: Images, Label: "Where in your image the maps win: a point for each winner",
			Width: side, Height: side, Columns: 1, Zoom: 4, Pixels: where})
	}
	return append(views, w.parts())
}

// dense returns the activities that win among the units, and the reconstruction of the drawing.
func (w *winners) dense() (active *tensor.Tensor, image []float32, where []byte) {
	a := autograd.ReLU(w.full.Encoder.Forward(w.tape.Input(w.batch)))
	switch w.axis {
	case 1:
		a = competitive.KWTA(a, max(1, int(w.share*units+0.5)))
	case 2:
		a = competitive.Lifetime(a, w.share)
	}
	y := append([]float32(nil), w.full.Bias.Value().Data()...)
	for u, v := range a.Value().Row(0) {
		for i, d := range w.full.Decoder.Value().Row(u) {
			y[i] += v * d
		}
	}
	return a.Value(), y, nil
}

// convolutional is dense for maps, in each of which one position wins. Where shows the drawing's winners.
func (w *winners) convolutional() (active *tensor.Tensor, image []float32, where []byte) {
	inputs := func(x *tensor.Tensor) *autograd.Var {
		return w.conv.Encoder[1].Forward(autograd.ReLU(w.conv.Encoder[0].Forward(w.tape.Input(x))))
	}
	if w.maps == nil { // the other images do not change
		w.maps = inputs(w.batch).Value().Clone()
	}
	copy(w.maps.Row(0), inputs(w.image).Data())
	peaks := competitive.Spatial(w.tape.Input(w.maps))
	left := autograd.ReLU(peaks)
	var lifetime *autograd.Var
	if w.axis == 4 {
		lifetime = competitive.Lifetime(left, w.share)
		left = lifetime
	}
	at := competitive.Peaks(nil, peaks, lifetime)[:filters] // those of the drawing
	d := w.conv.Decoder
	mine := w.tape.Input(left.Value().Slice(0, 1))
	y := autograd.ConvTransposePeaks(mine, at, side, side, d.Weight, d.Bias, d.Shape)
	where = grey(w.image.Data())
	for i := range where {
		where[i] /= 3
	}
	for m, v := range mine.Data() {
		if v > 0 {
			where[at[m]] = 255
		}
	}
	return left.Value(), y.Data(), where
}

// parts shows what units or maps add to a reconstruction.
func (w *winners) parts() View {
	if w.axis < 3 {
		return View{Kind: Images, Label: "What each unit adds to a reconstruction", Width: side, Height: side, Columns: 16,
			Zoom: 1, Signed: true, Pixels: signed(w.full.Decoder.Value().Data(), side*side)}
	}
	return View{Kind: Images, Label: "What a winner of each map adds to a reconstruction", Width: 11, Height: 11,
		Columns: 8, Zoom: 4, Signed: true, Pixels: signed(w.conv.Decoder.Weight.Value().Data(), 11*11)}
}
