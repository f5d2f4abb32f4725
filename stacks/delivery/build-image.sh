#!/usr/bin/env bash
# Builds the image of DOCKERFILE and pushes it, unless the same content was built before. CodeBuild runs it in the source's
# folder; image-build.ts sets its variables. A tag is the checksum of what goes into an image, so that a push builds and
# deploys only what it changes. Writes imagedefinitions.json, and whether the service runs another image into image-changed.txt.
set -euo pipefail

base_images=stacks/images/base-images.env

# The checksum of a Dockerfile and of all that it copies, without tests, which .dockerignore leaves out as well.
content() {
  local paths sum
  mapfile -t paths < <(sed -n '/^COPY --from/d; s/^COPY \(.*\) [^ ]*$/\1/p' "$1" | tr ' ' '\n')
  sum=$(find "${paths[@]}" "$1" "$base_images" -type f ! -name '*.test.ts' -print0 |
    LC_ALL=C sort -zu | xargs -0 sha256sum | sha256sum)
  echo "${sum:0:16}"
}

# What the registry knows of a tag, by a query on its details; nothing when there is no such image.
describe() {
  local answer
  if answer=$(aws ecr describe-images --repository-name "$REPOSITORY" --image-ids "imageTag=$1" \
    --query "imageDetails[0].$2" --output text 2>&1); then
    echo "$answer"
  elif [[ $answer != *ImageNotFoundException* ]]; then
    echo "$answer" >&2
    return 1
  fi
}

# Builds a Dockerfile and pushes it under each tag that is given. Without attestations: SageMaker refuses an index of images.
build() {
  local dockerfile=$1 line tag
  shift
  local arguments=(--file "$dockerfile" --provenance=false --sbom=false --build-arg "VERSION=$1")
  while read -r line; do arguments+=(--build-arg "$line"); done < <(grep '^[A-Z]' "$base_images")
  if [ -n "${base:-}" ]; then arguments+=(--build-arg "CUDA=$base"); fi
  for tag; do arguments+=(--tag "$REGISTRY/$REPOSITORY:$tag"); done
  docker build "${arguments[@]}" .
  for tag; do docker push "$REGISTRY/$REPOSITORY:$tag"; done
}

aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"
# Without a login all of CodeBuild shares a pull a second; it has one door for all regions.
aws ecr-public get-login-password --region us-east-1 | docker login --username AWS --password-stdin public.ecr.aws ||
  echo 'No login to public.ecr.aws: images are pulled as anyone may.' >&2

tag=content-$(content "$DOCKERFILE")
digest=$(describe "$tag" imageDigest)
# The first deployment names its images before their content is known.
also=${IMAGE_TAG:-}
if [ -n "$also" ] && [ -n "$(describe "$also" imageDigest)" ]; then also=; fi
if [ -z "$digest" ]; then
  # Kept in this registry, so that a later build depends on no other one.
  base_file=$(dirname "$DOCKERFILE")/base.Dockerfile
  if [ -f "$base_file" ]; then
    base_tag=base-$(content "$base_file")
    if [ -z "$(describe "$base_tag" imageDigest)" ]; then build "$base_file" "$base_tag"; fi
    base=$REGISTRY/$REPOSITORY:$base_tag
  fi
  build "$DOCKERFILE" "$tag" ${also:+"$also"}
  digest=$(describe "$tag" imageDigest)
elif [ -n "$also" ]; then
  manifest=$(aws ecr batch-get-image --repository-name "$REPOSITORY" --image-ids "imageTag=$tag" \
    --query 'images[0].imageManifest' --output text)
  aws ecr put-image --repository-name "$REPOSITORY" --image-tag "$also" --image-manifest "$manifest" >/dev/null
fi

changed=yes
if [ -z "${SERVICE:-}" ]; then
  kind=$(describe "$tag" imageManifestMediaType)
  if [ "$kind" != application/vnd.docker.distribution.manifest.v2+json ]; then
    echo "$REPOSITORY:$tag was pushed as $kind, which SageMaker refuses: build with Docker's classic image store." >&2
    exit 1
  fi
  echo "To train with it, start a SageMaker pipeline with TrainingImage=$REGISTRY/$REPOSITORY:$tag, or deploy with learning.imageTag $tag."
elif [ -z "${IMAGE_TAG:-}" ]; then
  definition=$(aws ecs describe-services --cluster "$CLUSTER" --services "$SERVICE" --query 'services[0].taskDefinition' --output text)
  running=$(aws ecs describe-task-definition --task-definition "$definition" \
    --query "taskDefinition.containerDefinitions[?name=='$CONTAINER_NAME'] | [0].image" --output text)
  if [ "$(describe "${running##*:}" imageDigest)" = "$digest" ]; then changed=no; fi
fi
printf '[{"name":"%s","imageUri":"%s"}]' "$CONTAINER_NAME" "$REGISTRY/$REPOSITORY:$tag" >imagedefinitions.json
echo "$changed" >image-changed.txt
