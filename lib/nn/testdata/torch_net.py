# SPDX-License-Identifier: Apache-2.0
# Makes torch.safetensors, the weights of a PyTorch module, and torch-io.safetensors, an input with its outputs:
#   python torch_net.py make FOLDER
# Runs the module with other weights, for TestTorchReadsOurs:
#   python torch_net.py run WEIGHTS INPUT OUTPUT
import sys

import torch
from safetensors.torch import load_file, save_file
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.features = nn.Sequential(
            nn.Conv2d(2, 4, 3, stride=2, padding=1), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2))
        self.fc1 = nn.Linear(4 * 2 * 2, 6)
        self.norm = nn.LayerNorm(6)
        self.lstm = nn.LSTM(6, 3, batch_first=True)
        self.rnn = nn.RNN(3, 5, batch_first=True)
        self.out = nn.Linear(5, 3)

    def forward(self, x):
        h = torch.relu(self.norm(self.fc1(self.features(x).flatten(1))))
        h, _ = self.lstm(h[:, None, :].repeat(1, 4, 1))
        h, _ = self.rnn(h)
        return self.out(h[:, -1])


torch.manual_seed(1)
net = Net()
if sys.argv[1] == "make":
    x = torch.randn(3, 2, 8, 8)
    for _ in range(5):  # moves the running averages
        net(torch.randn(16, 2, 8, 8) * 2 + 1)
    save_file({k: v.clone() for k, v in net.state_dict().items()}, sys.argv[2] + "/torch.safetensors")
    net.eval()
    with torch.no_grad():
        save_file({"x": x, "y": net(x)}, sys.argv[2] + "/torch-io.safetensors")
else:
    net.load_state_dict(load_file(sys.argv[2]))
    net.eval()
    with torch.no_grad():
        save_file({"y": net(load_file(sys.argv[3])["x"])}, sys.argv[4])
