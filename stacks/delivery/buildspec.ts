/** The file by which CodePipeline's ECS action learns which image a container gets. */
export const IMAGE_DEFINITIONS = 'imagedefinitions.json';

/** What the build takes from its environment. */
export interface BuildVariables {
  readonly DOCKERFILE: string;
  /** Host of the registry. */
  readonly REGISTRY: string;
  /** Name of the repository in it. */
  readonly REPOSITORY: string;
  readonly CONTAINER_NAME: string;
}

/**
 * How an image is built, in the format of CodeBuild (JSON is YAML). The tag is IMAGE_TAG where somebody sets it for one
 * build, else the commit. Tags never change, so a commit that was built before is not built again.
 *
 * Variables are written without braces: with them Terraform would take them for its own.
 */
export const buildspec = (): string =>
  JSON.stringify({
    version: '0.2',
    env: { shell: 'bash' },
    phases: {
      pre_build: {
        commands: [
          'export TAG="$IMAGE_TAG"',
          'test -n "$TAG" || export TAG="$CODEBUILD_RESOLVED_SOURCE_VERSION"',
          'export IMAGE="$REGISTRY/$REPOSITORY:$TAG"',
          'aws ecr get-login-password | docker login --username AWS --password-stdin "$REGISTRY"',
          'aws ecr describe-images --repository-name "$REPOSITORY" --image-ids "imageTag=$TAG" && export BUILT=yes || export BUILT=no',
        ],
      },
      build: {
        commands: [
          'test "$BUILT" = yes || docker build --file "$DOCKERFILE" --build-arg "VERSION=$TAG" --tag "$IMAGE" .',
        ],
      },
      post_build: {
        commands: [
          // CodeBuild runs this phase even after a failed build.
          'test "$CODEBUILD_BUILD_SUCCEEDING" = 1',
          'test "$BUILT" = yes || docker push "$IMAGE"',
          `printf '[{"name":"%s","imageUri":"%s"}]' "$CONTAINER_NAME" "$IMAGE" > ${IMAGE_DEFINITIONS}`,
        ],
      },
    },
    artifacts: { files: [IMAGE_DEFINITIONS] },
  });
