# SPDX-License-Identifier: Apache-2.0
#
# JupyterLab with the kernel, the library and everything that cells compile, for linux/amd64 and linux/arm64:
#
#   docker build -t lateral .
#   mkdir -p work
#   docker run --rm -p 127.0.0.1:8888:8888 -v "$PWD/work:/home/lateral/work" lateral
#
# Then open the address with the token that it prints. work holds the notebooks, data and results, and outlives the
# container. It must be writable by user 1000; where yours is another, add --user "$(id -u):0".
#
#   docker run ... -e LATERAL_PROFILE=standard lateral               more work in cells than the default asks
#   docker run ... lateral lateral run 00_quickstart.ipynb           without a browser
#   docker run ... --network none lateral lateral doctor             nothing is downloaded when it runs
#   docker compose -f kernelext/image/compose.yaml up --build        the same from a file
#   docker run ... -e GOPROXY=https://proxy.golang.org lateral       cells may import other modules
#
# The image takes 1.1 GB of disk. kernelext/image/rehearse.sh does the same steps in a directory, without Docker.
#
# Both base images are pinned by version and date. To pin their content as well, append the digest that
# "docker buildx imagetools inspect NAME:TAG" shows to the tag: debian:trixie-20260918-slim@sha256:...
ARG GO_VERSION=1.26.8
ARG DEBIAN_VERSION=trixie-20260918-slim

FROM golang:${GO_VERSION}-trixie AS go
RUN rm -rf /usr/local/go/api /usr/local/go/doc /usr/local/go/misc /usr/local/go/test

FROM debian:${DEBIAN_VERSION}
COPY --from=go /usr/local/go /usr/local/go
COPY kernelext/image /opt/image
RUN /opt/image/setup.sh system

ENV HOME=/home/lateral \
    PATH=/home/lateral/.local/bin:/opt/jupyter/bin:/usr/local/go/bin:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin \
    CGO_ENABLED=0 \
    GOTOOLCHAIN=local
COPY --chown=1000:0 . /home/lateral/lateral
USER 1000:0
RUN /home/lateral/lateral/kernelext/image/setup.sh user

# From here on nothing is downloaded. Results and data that took long are kept in work.
ENV GOPROXY=off \
    LATERAL_DATA=/home/lateral/work/data \
    LATERAL_MEMO=/home/lateral/work/.lateral/memo \
    LATERAL_SWEEPS=/home/lateral/work/.lateral/sweeps
WORKDIR /home/lateral/work
EXPOSE 8888
HEALTHCHECK --interval=30s --timeout=5s --start-period=20s \
    CMD ["python3", "-c", "import urllib.request; urllib.request.urlopen('http://127.0.0.1:8888/api', timeout=4)"]
ENTRYPOINT ["tini", "--", "/home/lateral/lateral/kernelext/image/start.sh"]
CMD ["jupyter", "lab"]
