// SPDX-License-Identifier: Apache-2.0

package tensor

import (
	"bytes"
	"fmt"
)

// MarshalBinary returns the tensor as a safetensors file with the single name "tensor", so that encoding/gob and
// similar packages can store it.
func (t *Tensor) MarshalBinary() ([]byte, error) {
	var b bytes.Buffer
	b.Grow(1024 + 4*len(t.data)) // the header is short
	err := WriteSafetensors(&b, []Named{{"tensor", t}}, nil)
	return b.Bytes(), err
}

// UnmarshalBinary replaces t by a tensor that MarshalBinary encoded.
func (t *Tensor) UnmarshalBinary(data []byte) error {
	named, _, err := ReadSafetensors(bytes.NewReader(data))
	if err != nil {
		return err
	}
	if len(named) != 1 {
		return fmt.Errorf("tensor: want one tensor, found %d", len(named))
	}
	*t = *named[0].Tensor
	return nil
}
