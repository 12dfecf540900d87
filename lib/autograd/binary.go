// SPDX-License-Identifier: Apache-2.0

package autograd

import (
	"fmt"

	"github.com/lateral-ml/lateral/lib/tensor"
)

// MarshalBinary returns the value of a parameter, so that encoding/gob can store a model whose fields are exported.
// Name and gradient are not stored. Other variables belong to a tape and are refused.
func (v *Var) MarshalBinary() ([]byte, error) {
	if v.tape != nil {
		return nil, fmt.Errorf("autograd: the result of %s cannot be stored: only parameters can; store its Value()", v.op)
	}
	return v.Value().MarshalBinary()
}

// UnmarshalBinary makes v a parameter with the value that MarshalBinary returned.
func (v *Var) UnmarshalBinary(data []byte) error {
	var t tensor.Tensor
	if err := t.UnmarshalBinary(data); err != nil {
		return err
	}
	*v = *NewParam(&t)
	return nil
}
