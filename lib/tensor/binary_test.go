// SPDX-License-Identifier: Apache-2.0

package tensor_test

import (
	"bytes"
	"encoding/gob"
	"strings"
	"testing"

	"github.com/lateral-ml/lateral/lib/tensor"
)

func TestTensorThroughGob(t *testing.T) {
	type model struct{ W, B *tensor.Tensor }
	in := model{W: iota(3, 2), B: iota(0, 4)}
	var b bytes.Buffer
	if err := gob.NewEncoder(&b).Encode(in); err != nil {
		t.Fatal(err)
	}
	var out model
	if err := gob.NewDecoder(&b).Decode(&out); err != nil {
		t.Fatal(err)
	}
	if !equal([]tensor.Named{{Tensor: in.W}, {Tensor: in.B}}, []tensor.Named{{Tensor: out.W}, {Tensor: out.B}}) {
		t.Errorf("got %v, want %v", out, in)
	}
}

func TestUnmarshalBinaryRefuses(t *testing.T) {
	x := iota(2)
	short := encode(t, sample()[:1], nil)
	for want, b := range map[string][]byte{
		"no header":                                     nil,
		"want one tensor, found 0":                      encode(t, nil, nil),
		"want one tensor, found 5":                      encode(t, sample(), nil),
		"data after the last tensor":                    append(encode(t, sample()[:1], nil), 0),
		"unexpected EOF with 1 of its 16 bytes missing": short[:len(short)-1],
	} {
		if err := x.UnmarshalBinary(b); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("got %v, want an error with %q", err, want)
		}
	}
	if x.At(1) != 1 {
		t.Errorf("a refused state changed the tensor: %v", x)
	}
}

func BenchmarkSafetensors(b *testing.B) {
	x := []tensor.Named{{Name: "x", Tensor: tensor.New(8 << 20)}} // 32 MiB
	file := encode(b, x, nil)
	b.Run("write", func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			encode(b, x, nil)
		}
	})
	b.Run("read", func(b *testing.B) {
		b.SetBytes(int64(len(file)))
		for b.Loop() {
			if _, _, err := tensor.ReadSafetensors(bytes.NewReader(file)); err != nil {
				b.Fatal(err)
			}
		}
	})
}
