// SPDX-License-Identifier: Apache-2.0

package dataset

import (
	"fmt"
	"slices"
)

// A Reader reads samples from files.
type Reader interface {
	// Len returns the number of samples.
	Len() int
	// Read puts the samples idx into b, as Gather of a [Set] does. The error names the file at fault.
	Read(b *Batch, idx []int) error
}

// A Stream is data that need not fit into memory: it reads each batch when it is needed, or before. Its user tells the
// stream with Plan which samples will follow; one goroutine then reads ahead while the user computes.
//
// Only one goroutine may use a stream. It holds Ahead + 2 batches at most. The samples do not depend on the planning.
type Stream struct {
	Reader
	Ahead int // number of batches to read ahead; 0 means 2

	ready chan *Batch   // batches that were read, in the planned order
	spare chan *Batch   // batches whose memory can be reused
	stop  chan struct{} // closed to end the goroutine
	order []int         // planned samples that Gather has not returned
	size  int
	fault error // that the goroutine met, valid once ready is closed
	err   error // of Gather
}

// NewStream returns a stream of the samples of a reader.
func NewStream(r Reader) *Stream { return &Stream{Reader: r} }

// Plan announces that the next calls of Gather will ask for the samples of order, in batches of size, of which the last
// may be smaller. It keeps order, which must not change until the last of these calls. Calls that deviate are correct
// but not faster.
func (s *Stream) Plan(order []int, size int) {
	s.end()
	if len(order) == 0 || size < 1 {
		return
	}
	ahead := s.Ahead
	if ahead == 0 {
		ahead = 2
	}
	s.ready, s.stop, s.order, s.size, s.fault = make(chan *Batch, ahead), make(chan struct{}), order, size, nil
	if s.spare == nil {
		s.spare = make(chan *Batch, ahead+2)
	}
	go s.readAhead(s.ready, s.stop, order, size)
}

// readAhead reads the batches of a plan, and closes ready after the last one or an error.
func (s *Stream) readAhead(ready chan<- *Batch, stop <-chan struct{}, order []int, size int) {
	defer close(ready)
	for idx := range slices.Chunk(order, size) {
		var b *Batch
		select {
		case b = <-s.spare:
		default:
			b = new(Batch)
		}
		if s.fault = s.Read(b, idx); s.fault != nil {
			return
		}
		select {
		case ready <- b:
		case <-stop:
			return
		}
	}
}

// end stops the goroutine and keeps the memory of its batches.
func (s *Stream) end() {
	if s.stop == nil {
		return
	}
	close(s.stop)
	for b := range s.ready {
		s.keep(b)
	}
	s.stop, s.order = nil, nil
}

func (s *Stream) keep(b *Batch) {
	select {
	case s.spare <- b:
	default:
	}
}

// Gather puts the samples idx into b, whose memory it exchanges with that of a batch that was read ahead. If a file
// cannot be read, b is empty and [Stream.Err] returns the error. It panics if an index is outside the data.
func (s *Stream) Gather(b *Batch, idx []int) {
	for _, i := range idx {
		if i < 0 || i >= s.Len() {
			panic(fmt.Sprintf("dataset: Stream: index %d of %d samples", i, s.Len()))
		}
	}
	if planned := s.order[:min(s.size, len(s.order))]; s.stop == nil || !slices.Equal(idx, planned) {
		s.end()
		if err := s.Read(b, idx); err != nil {
			s.fail(b, err)
		}
		return
	}
	read, ok := <-s.ready
	if !ok {
		s.fail(b, s.fault)
		s.stop, s.order = nil, nil
		return
	}
	*b, *read = *read, *b
	s.keep(read)
	s.order = s.order[len(idx):]
}

func (s *Stream) fail(b *Batch, err error) {
	*b = Batch{}
	s.err = err
}

// Err returns the first error of a file since the stream was made, or nil. Check it after Gather, as train.Run does.
func (s *Stream) Err() error { return s.err }

// Fingerprint identifies the samples; see [Fingerprint]. It is that of the reader, if it has one, and otherwise needs a
// look at all samples.
func (s *Stream) Fingerprint() string {
	if r, ok := s.Reader.(interface{ Fingerprint() string }); ok {
		return r.Fingerprint()
	}
	return Fingerprint(plain{s})
}

// plain hides the method Fingerprint of a stream.
type plain struct{ s *Stream }

func (p plain) Len() int                   { return p.s.Len() }
func (p plain) Gather(b *Batch, idx []int) { p.s.Gather(b, idx) }
