# An image that solves and verifies:
#     docker build --build-arg TORCH_INDEX=... -t tig-verify .
# How to run it, and what the jail needs of the container's runtime: docs/scale.md.
ARG BASE=python:3.11-slim

FROM ${BASE} AS build
# PyTorch's index of CPU wheels. Without it a plain index gives a torch with CUDA, which is gigabytes.
ARG TORCH_INDEX=""
# `cluster` for a node of a Ray cluster.
ARG EXTRAS=""
WORKDIR /build
RUN python3 -m venv /opt/tig-verify
COPY constraints.txt pyproject.toml README.md LICENSE ./
COPY arithmetic arithmetic
COPY protocol protocol
COPY sandbox sandbox
COPY tig_verify tig_verify
COPY verifier verifier
COPY fixtures/optimisers fixtures/optimisers
RUN /opt/tig-verify/bin/pip install --no-cache-dir --constraint constraints.txt \
    ${TORCH_INDEX:+--extra-index-url "${TORCH_INDEX}"} ".${EXTRAS:+[$EXTRAS]}"

FROM ${BASE}
COPY --from=build /opt/tig-verify /opt/tig-verify
RUN useradd --create-home --uid 1000 tig && install --directory --owner tig /work
ENV PATH=/opt/tig-verify/bin:${PATH}
USER tig
WORKDIR /work
# As Ctrl-C: nothing half-written is left.
STOPSIGNAL SIGINT
HEALTHCHECK NONE
ENTRYPOINT ["tig-verify"]
