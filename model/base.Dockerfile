# Below the learning image: Ubuntu with the eight libraries of CUDA 11 and cuDNN 8 that TensorFlow 2.9 opens, from NVIDIA's
# wheels. NVIDIA deletes its images of old versions; PyPI keeps what was published. The build of the learning image makes
# it once and keeps it in the account's own registry (stacks/delivery/build-image.sh).
ARG UBUNTU

FROM --platform=linux/amd64 ${UBUNTU} AS wheels
RUN apt-get update \
  && apt-get install --yes --no-install-recommends ca-certificates python3-pip \
  && rm -rf /var/lib/apt/lists/*
# The versions that TensorFlow 2.14, the last one for CUDA 11, asks for together. cuDNN calls cuBLAS.
RUN pip3 install --no-cache-dir --no-deps --target /wheels \
    nvidia-cublas-cu11==11.11.3.6 nvidia-cuda-runtime-cu11==11.8.89 nvidia-cudnn-cu11==8.7.0.84 \
    nvidia-cufft-cu11==10.9.0.58 nvidia-curand-cu11==10.3.0.86 nvidia-cusolver-cu11==11.4.1.48 \
    nvidia-cusparse-cu11==11.7.5.86 \
  && mkdir /libraries && cp /wheels/nvidia/*/lib/*.so.* /libraries/

FROM --platform=linux/amd64 ${UBUNTU}
# By these the container runtime knows that it must bring the driver in.
ENV NVIDIA_VISIBLE_DEVICES=all NVIDIA_DRIVER_CAPABILITIES=compute,utility
COPY --from=wheels /libraries /usr/local/cuda/lib64
RUN echo /usr/local/cuda/lib64 > /etc/ld.so.conf.d/cuda.conf && ldconfig
